"""All cases of stateful Python, by name."""
import cases_groups


def all_cases():
    return cases_groups.cases()
