"""The routes of `/v1`, a module for each subject. Every route names the right it needs; `app.create_app` refuses one that does not."""
