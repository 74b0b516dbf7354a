# Speed and memory of discovery; tests/scale/known_files runs it with a million files.
add_executable(files_discovery_bench "${folder}/discovery_bench_main.cc")
target_link_libraries(files_discovery_bench PRIVATE ms_connectors_files)
