"""The smallest role there is: it sends back what it is sent, and counts it. The runner is measured by it."""
