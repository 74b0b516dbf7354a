# Spark Connect's messages and service as the library ms_spark_connect_proto. The definitions are read out of the pyspark-client wheel and
# compiled at build time; nothing generated is committed.

set(spark_proto_modules types common expressions catalog ml_common ml pipelines relations commands base)
set(spark_proto_source "${MILLSTREAM_DEPS}/pyspark-client/pyspark/sql/connect/proto")
set(spark_proto_out "${CMAKE_BINARY_DIR}/generated")
set(spark_proto_set "${spark_proto_out}/spark_connect.descriptors")
set(well_known_set "${spark_proto_out}/well_known.descriptors")
file(MAKE_DIRECTORY "${spark_proto_out}")
find_package(Python3 REQUIRED COMPONENTS Interpreter)
find_program(GRPC_CPP_PLUGIN grpc_cpp_plugin REQUIRED)
get_target_property(protobuf_include protobuf::libprotobuf INTERFACE_INCLUDE_DIRECTORIES)
if(NOT protobuf_include)
  set(protobuf_include "/usr/include")
endif()
list(GET protobuf_include 0 protobuf_include)

if(NOT EXISTS "${spark_proto_source}/base_pb2.py")
  message(FATAL_ERROR "${spark_proto_source} is missing: run `make setup` (or tools/fetch_deps ${MILLSTREAM_DEPS})")
endif()
set(spark_proto_inputs)
set(spark_proto_names)
set(spark_proto_generated)
foreach(module IN LISTS spark_proto_modules)
  list(APPEND spark_proto_inputs "${spark_proto_source}/${module}_pb2.py")
  list(APPEND spark_proto_names "spark/connect/${module}.proto")
  list(APPEND spark_proto_generated "${spark_proto_out}/spark/connect/${module}.pb.cc" "${spark_proto_out}/spark/connect/${module}.pb.h")
endforeach()
set(spark_grpc_generated "${spark_proto_out}/spark/connect/base.grpc.pb.cc" "${spark_proto_out}/spark/connect/base.grpc.pb.h")

add_custom_command(
  OUTPUT ${spark_proto_generated} ${spark_grpc_generated}
  COMMAND Python3::Interpreter "${CMAKE_SOURCE_DIR}/tools/read_spark_descriptors" "${spark_proto_source}" "${spark_proto_set}"
  COMMAND protobuf::protoc "-I${protobuf_include}" "--descriptor_set_out=${well_known_set}" google/protobuf/any.proto google/protobuf/timestamp.proto
  COMMAND protobuf::protoc "--descriptor_set_in=${spark_proto_set}:${well_known_set}" "--cpp_out=${spark_proto_out}" ${spark_proto_names}
  COMMAND protobuf::protoc "--descriptor_set_in=${spark_proto_set}:${well_known_set}" "--grpc_out=${spark_proto_out}"
          "--plugin=protoc-gen-grpc=${GRPC_CPP_PLUGIN}" spark/connect/base.proto
  DEPENDS ${spark_proto_inputs} "${CMAKE_SOURCE_DIR}/tools/read_spark_descriptors"
  COMMENT "Spark Connect's messages"
  VERBATIM)

# The two google.rpc messages that carry an error's details; Debian has no googleapis package.
set(rpc_status_proto "${CMAKE_SOURCE_DIR}/src/doors/connect/proto/rpc_status.proto")
set(rpc_status_generated "${spark_proto_out}/rpc_status.pb.cc" "${spark_proto_out}/rpc_status.pb.h")
add_custom_command(
  OUTPUT ${rpc_status_generated}
  COMMAND protobuf::protoc "-I${CMAKE_SOURCE_DIR}/src/doors/connect/proto" "-I${protobuf_include}" "--cpp_out=${spark_proto_out}" "${rpc_status_proto}"
  DEPENDS "${rpc_status_proto}"
  VERBATIM)

# Delta's messages beside Spark's.
set(delta_connect_proto "${CMAKE_SOURCE_DIR}/src/doors/connect/proto/delta_connect.proto")
set(delta_connect_generated "${spark_proto_out}/delta_connect.pb.cc" "${spark_proto_out}/delta_connect.pb.h")
add_custom_command(
  OUTPUT ${delta_connect_generated}
  COMMAND protobuf::protoc "-I${CMAKE_SOURCE_DIR}/src/doors/connect/proto" "--cpp_out=${spark_proto_out}" "${delta_connect_proto}"
  DEPENDS "${delta_connect_proto}"
  VERBATIM)

# The service itself is compiled in doors/connect (spark_service.cc).
add_library(ms_spark_connect_proto STATIC ${spark_proto_generated} ${rpc_status_generated} ${delta_connect_generated})
target_include_directories(ms_spark_connect_proto SYSTEM PUBLIC "${spark_proto_out}")
target_compile_options(ms_spark_connect_proto PRIVATE -w)
target_link_libraries(ms_spark_connect_proto PUBLIC gRPC::grpc++ protobuf::libprotobuf)
