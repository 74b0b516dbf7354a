# The worker's script travels in the program.
set(worker_script "${folder}/millstream_worker.py")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${worker_script}")
file(READ "${worker_script}" WORKER_SCRIPT)
string(CONCAT worker_source "#include \"python/worker_script.h\"\n\nnamespace millstream {\n\nconst std::string_view kWorkerScript = R\"PY(" "${WORKER_SCRIPT}"
       ")PY\";\n\n}  // namespace millstream\n")
file(CONFIGURE OUTPUT "${CMAKE_BINARY_DIR}/generated/python/worker_script.cc" CONTENT "${worker_source}" @ONLY)
target_sources(ms_python PRIVATE "${CMAKE_BINARY_DIR}/generated/python/worker_script.cc")
