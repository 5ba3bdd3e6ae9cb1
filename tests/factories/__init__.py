"""Small builders of test data; each returns something a test can read at a glance."""
