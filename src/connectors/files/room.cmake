# Speed and memory of discovery: cmake --build … --target files_discovery_bench
add_executable(files_discovery_bench EXCLUDE_FROM_ALL "${folder}/discovery_bench_main.cc")
target_link_libraries(files_discovery_bench PRIVATE ms_connectors_files)
