# What every target of the project is compiled and linked with: warnings and hardening, or a sanitizer.
add_compile_options(-Wall -Wextra -Wpedantic -Wconversion -Wshadow -fno-omit-frame-pointer)
add_compile_definitions(BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_BOOST_COROUTINE)
# Asio asks operator new for memory, then, which has a reserve (src/common/memory_reserve.hpp).
add_compile_definitions(BOOST_ASIO_DISABLE_STD_ALIGNED_ALLOC BOOST_ASIO_DISABLE_BOOST_ALIGN)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # Asio's awaitable frames have an operator new and delete of their own, which g++ 12 does not recognise as a pair.
    add_compile_options(-Wno-mismatched-new-delete)
endif()

if(SECURELOGIN_FUZZ)
    add_compile_options(-fsanitize=fuzzer-no-link)
endif()

if(SECURELOGIN_SANITIZE)
    add_compile_options(-fsanitize=${SECURELOGIN_SANITIZE} -fno-sanitize-recover=all)
    add_link_options(-fsanitize=${SECURELOGIN_SANITIZE})
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
        # Instrumented code hides from the compiler what it sees otherwise: the dev build has this warning.
        add_compile_options(-Wno-maybe-uninitialized)
    endif()
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND SECURELOGIN_SANITIZE MATCHES "thread")
        add_compile_options(-Wno-tsan)  # Asio's fences, which TSan does not model
    endif()
else()
    add_compile_options(-fstack-protector-strong -fstack-clash-protection -fcf-protection)
    add_compile_options($<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE> $<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=2>)
    add_compile_definitions(_GLIBCXX_ASSERTIONS)
    add_link_options(-Wl,-z,relro,-z,now,-z,noexecstack)
    set(CMAKE_POSITION_INDEPENDENT_CODE ON)
    include(CheckPIESupported)
    check_pie_supported()
endif()
