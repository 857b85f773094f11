"""The Python client: `destiny_assets.sdk.client.Destiny` and, for coroutines, `destiny_assets.sdk.async_client.AsyncDestiny`. Needs httpx."""
