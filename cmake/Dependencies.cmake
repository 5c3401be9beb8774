# Debian 12's packages; scripts/install-deps installs them.  Each is named where it is used: see docs/decisions.
find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json)
find_package(OpenSSL 3 REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(SQLiteCpp REQUIRED)
find_package(CLI11 REQUIRED)
find_package(spdlog REQUIRED)
find_package(fmt REQUIRED)
find_package(PNG REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(OATH REQUIRED IMPORTED_TARGET liboath)
pkg_check_modules(QRENCODE REQUIRED IMPORTED_TARGET libqrencode)
pkg_check_modules(UTF8PROC REQUIRED IMPORTED_TARGET libutf8proc)
pkg_check_modules(SECCOMP REQUIRED IMPORTED_TARGET libseccomp)
pkg_check_modules(YAMLCPP REQUIRED IMPORTED_TARGET yaml-cpp)
pkg_check_modules(TOMLPLUSPLUS REQUIRED IMPORTED_TARGET tomlplusplus)
find_library(ZXCVBN_LIBRARY zxcvbn REQUIRED)
find_library(SODIUM_STATIC_LIBRARY libsodium.a REQUIRED)

# libsodium has no hook for its memory.  In a copy of its static library the references to mmap, munmap and malloc, and
# no others, are given to the arena (src/server/auth/hash_arena.hpp; docs/decisions/0003-hash-arena.md).
set(SODIUM_ARENA_LIBRARY ${PROJECT_BINARY_DIR}/libsodium-arena.a)
add_custom_command(
    OUTPUT ${SODIUM_ARENA_LIBRARY}
    COMMAND ${CMAKE_OBJCOPY}
        --redefine-sym mmap=securelogin_arena_mmap --redefine-sym munmap=securelogin_arena_munmap
        --redefine-sym malloc=securelogin_arena_malloc
        ${SODIUM_STATIC_LIBRARY} ${SODIUM_ARENA_LIBRARY}
    DEPENDS ${SODIUM_STATIC_LIBRARY}
    COMMENT "Giving libsodium's memory to the arena"
    VERBATIM
)
add_custom_target(sodium_arena DEPENDS ${SODIUM_ARENA_LIBRARY})
add_library(sodium STATIC IMPORTED)
add_dependencies(sodium sodium_arena)
set_target_properties(sodium PROPERTIES IMPORTED_LOCATION ${SODIUM_ARENA_LIBRARY})
target_link_libraries(sodium INTERFACE Threads::Threads)
