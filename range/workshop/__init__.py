"""The pages authors write scenarios in: drafts, their problems and preview, versions, imports."""
