# cmake --install: the programs, the schema, man pages, the systemd unit with its user, and example settings.
#
# What is named in the unit depends on the prefix, which may be chosen only then (--prefix): so it is made then.
install(TARGETS securelogin securelogin-admin securelogind RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES sql/schema.sql DESTINATION ${CMAKE_INSTALL_DATADIR}/securelogin)
install(FILES packaging/securelogind.toml README.md CHANGELOG.md SECURITY.md DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/securelogin OPTIONAL)
install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/securelogin FILES_MATCHING PATTERN "*.md" PATTERN "*.svg" PATTERN "*.png" PATTERN "openapi.yaml")
install(DIRECTORY docs/proxies DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/securelogin/docs)

install(DIRECTORY packaging/fail2ban DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/securelogin)

foreach(page securelogin.1 securelogind.toml.5 securelogin-admin.8 securelogind.8)
    string(REGEX MATCH "[0-9]$" section ${page})
    install(FILES packaging/man/${page} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
endforeach()

# systemd looks below /usr/lib and /usr/local/lib, wherever libraries go.
install(FILES packaging/securelogin.sysusers DESTINATION lib/sysusers.d RENAME securelogin.conf)
install(CODE "set(bindir \"${CMAKE_INSTALL_BINDIR}\")
set(template \"${PROJECT_SOURCE_DIR}/packaging/securelogind.service.in\")
set(unit \"${PROJECT_BINARY_DIR}/packaging/securelogind.service\")")
install(SCRIPT cmake/InstallUnit.cmake)
