"""All cases of stateful Python, by name."""
import cases_groups
import cases_transform


def all_cases():
    return {**cases_groups.cases(), **cases_transform.cases()}
