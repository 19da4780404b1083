"""The built-in rule `drift` has an alert for each feature."""

import json

from alembic import op
from sqlalchemy import text

revision = "0021"
down_revision = "0020"

_DRIFT = "rule = 'drift' AND labels = '[]'"


def upgrade() -> None:
    """Its one alert becomes that of the feature that it is about: state, acknowledgement, history
    and what was told go on. The others begin with the next evaluation. Silences are of the rule,
    and so of all.
    """
    connection = op.get_bind()
    for monitor, feature in connection.execute(
        text(f"SELECT monitor, subject FROM alert WHERE {_DRIFT} AND source = '' AND subject != ''")  # noqa: S608
    ).fetchall():
        found = {
            "monitor": monitor,
            "labels": json.dumps([feature], ensure_ascii=False),
            "by_labels": json.dumps({"feature": feature}),
        }
        connection.execute(
            text(
                "UPDATE alert SET labels = :labels, by_labels = :by_labels"  # noqa: S608
                f" WHERE monitor = :monitor AND {_DRIFT}"
            ),
            found,
        )
        connection.execute(
            text(
                "UPDATE alert_history SET labels = :labels"  # noqa: S608
                f" WHERE monitor = :monitor AND {_DRIFT}"
            ),
            found,
        )
