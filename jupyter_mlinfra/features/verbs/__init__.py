"""The verbs of the feature store, by what they are about; `Features` puts them together."""
