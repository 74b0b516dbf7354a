add_library(libmillstream SHARED $<TARGET_OBJECTS:ms_doors_library>)
set_target_properties(libmillstream PROPERTIES OUTPUT_NAME millstream LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}")
target_link_libraries(libmillstream PRIVATE ms_session ms_plan)
target_include_directories(libmillstream INTERFACE "${CMAKE_SOURCE_DIR}/include")
