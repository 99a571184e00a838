"""Alembic's revisions. A revision that has been released is never edited."""
