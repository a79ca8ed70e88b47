"""The adverse-impact report: how groups fare in an agency's pipeline, told only in aggregates."""
