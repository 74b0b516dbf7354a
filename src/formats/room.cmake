# Not part of the default build: `cmake --build build/release --target formats_bench`.
add_executable(formats_bench EXCLUDE_FROM_ALL "${CMAKE_CURRENT_LIST_DIR}/formats_bench_main.cc")
target_link_libraries(formats_bench PRIVATE ms_formats)
