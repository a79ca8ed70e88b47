"""What the operator looks at: doctor and health."""
