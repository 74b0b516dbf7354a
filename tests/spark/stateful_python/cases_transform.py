"""transformWithState and transformWithStateInPandas, case by case."""
from cases_groups import PLAIN
from cases_transform_life import form_cases, initial_cases, life_cases, plan_cases
from cases_transform_state import list_cases, map_cases, value_cases
from cases_transform_time import timer_cases, ttl_cases
from suite import Case  # by the path that cases_groups has set


def cases():
    made = []

    def add(name, build, mode="update", steps=None, **more):
        made.append(Case(name=f"transform/{name}", build=build, mode=mode, steps=PLAIN if steps is None else steps, **more))

    for part in (value_cases, list_cases, map_cases, ttl_cases, timer_cases, initial_cases, form_cases, life_cases, plan_cases):
        part(add)
    names = [case.name for case in made]
    assert len(set(names)) == len(names), [name for name in names if names.count(name) > 1]
    return {case.name: case for case in made}
