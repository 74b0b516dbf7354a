# spark_proto is a library of its own: only the Connect door links protobuf.
include(SparkConnectProto)
set(ms_types_sources ${sources})
list(FILTER ms_types_sources EXCLUDE REGEX "(_test|_main|_fuzz)\\.cc$")
list(FILTER ms_types_sources EXCLUDE REGEX "/spark_proto\\.cc$")
set_property(TARGET ms_types PROPERTY SOURCES ${ms_types_sources})
add_library(ms_types_spark_proto STATIC "${folder}/spark_proto.cc")
target_link_libraries(ms_types_spark_proto PUBLIC ms_types ms_spark_connect_proto)
