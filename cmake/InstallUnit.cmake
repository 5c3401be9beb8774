# Run by `cmake --install` (Install.cmake): makes the systemd unit for the prefix, and puts it there.
# REQUIRES: bindir, template, unit.
cmake_path(ABSOLUTE_PATH bindir BASE_DIRECTORY "${CMAKE_INSTALL_PREFIX}" NORMALIZE OUTPUT_VARIABLE SECURELOGIN_FULL_BINDIR)
configure_file("${template}" "${unit}" @ONLY)
file(INSTALL "${unit}" DESTINATION "${CMAKE_INSTALL_PREFIX}/lib/systemd/system")
