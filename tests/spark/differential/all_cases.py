"""Every case, by its name."""
import cases_joins
import cases_plans
import cases_rows
import cases_windows


def all_cases():
    cases = {}
    for module in (cases_windows, cases_rows, cases_joins, cases_plans):
        for case in module.cases():
            assert case.name not in cases, case.name
            cases[case.name] = case
    return cases
