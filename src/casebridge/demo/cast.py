"""Who and what the live demo is about: people, and the cases that detections open."""

from __future__ import annotations

from random import Random
from typing import Any, Final

ADA: Final = "Ada Analyst"
BEN: Final = "Ben Responder"
_SEVERITIES: Final = ("critical", "high", "high", "medium", "medium", "low", "informational")
_INCIDENTS: Final = (
    ("Credential dumping on {host}", "An unsigned process read lsass on {host}.", "lsass access"),
    ("Beacon from {host}", "{host} calls {ip} every 60 seconds.", "Beaconing to a rare address"),
    ("Impossible travel of {user}", "{user} signed in from two continents.", "Impossible travel"),
    ("Ransom note on {host}", "4,100 files were renamed on {host} in a minute.", "Mass renaming"),
    ("Phishing mail to {user}", "{user} followed a link to {ip}.", "Newly registered domain"),
    ("New admin account {user}", "{user} was made a domain admin at night.", "Privileged group"),
    ("Port scan by {host}", "{host} tried 900 ports of its neighbours.", "Internal scan"),
    ("Data leaves {host}", "12 GB went from {host} to {ip}.", "Unusual upload"),
)


class Cast:
    """Draws what the script needs; the same seed draws the same."""

    def __init__(self, seed: int) -> None:
        """Begin with the first case."""
        self.random = Random(seed)  # noqa: S311 - repeatable chance, not a secret
        self._cases = 0

    def number(self) -> int:
        """Return the number of the next case."""
        self._cases += 1
        return self._cases

    def person(self) -> str:
        """Return somebody who works at a vendor's pages."""
        return self.random.choice((ADA, BEN))

    def incident(self) -> dict[str, Any]:
        """Return the fields of a new case."""
        names = {
            "host": self.random.choice(("web", "db", "mail", "build")) + f"-{self._some(9):02}",
            "user": self.random.choice(("svc-backup", "j.doe", "m.chen", "o.diaz")),
            "ip": f"203.0.113.{self._some(250)}",
        }
        title, summary, rule = self.random.choice(_INCIDENTS)
        text = (title + summary).format
        return {
            "title": title.format(**names),
            "summary": summary.format(**names),
            "severity": self.random.choice(_SEVERITIES),
            "detection_rules": [rule],
            "raw_events": [f"evt-{self._some(9999):04}" for _ in range(3)],
            "entities": [
                {"kind": kind, "value": value}
                for kind, value in names.items()
                if value in text(**names)
            ],
        }

    def _some(self, most: int) -> int:
        return self.random.randint(1, most)
