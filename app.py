"""The ASGI application of a checkout: what `litestar run` finds here; it is in no wheel."""

from casebridge import create_app

app = create_app()
