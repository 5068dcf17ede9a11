"""Tests, by what shows the claim: the folder names how, the test names what (CONTRIBUTING.md, "Test")."""
