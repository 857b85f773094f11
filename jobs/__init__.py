"""Jobs and schedules: what runs together, and when. Selections only; assets are in `destiny_assets.assets`."""
