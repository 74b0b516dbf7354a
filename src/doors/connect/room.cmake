target_link_libraries(ms_doors_connect ${scope} ms_types_spark_proto)
# Older clients send fields that newer message definitions call deprecated.
set_property(TARGET ms_doors_connect APPEND PROPERTY COMPILE_OPTIONS -Wno-deprecated-declarations)
