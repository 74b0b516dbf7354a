# The worker's script travels in the program.
set(worker_modules "")
foreach(module millstream_frames millstream_functions millstream_groups millstream_host millstream_transform millstream_variables millstream_worker)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${folder}/${module}.py")
  file(READ "${folder}/${module}.py" text)
  string(APPEND worker_modules "    \"${module}\": r'''${text}''',\n")
endforeach()
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${folder}/worker_start.py")
file(READ "${folder}/worker_start.py" worker_start)
string(CONCAT worker_source "#include \"python/worker_script.h\"\n\nnamespace millstream {\n\nconst std::string_view kWorkerScript = R\"PY(MODULES = {\n"
       "${worker_modules}" "}\n" "${worker_start}" ")PY\";\n\n}  // namespace millstream\n")
file(CONFIGURE OUTPUT "${CMAKE_BINARY_DIR}/generated/python/worker_script.cc" CONTENT "${worker_source}" @ONLY)
target_sources(ms_python PRIVATE "${CMAKE_BINARY_DIR}/generated/python/worker_script.cc")
