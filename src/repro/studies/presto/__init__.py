"""PRESTO: predicting rare events by shrinking towards proportional odds (Faletto and Bien 2023)."""
