"""The verbs of monitoring, by what they are about; `Monitoring` puts them together."""
