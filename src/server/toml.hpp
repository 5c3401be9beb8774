// toml.hpp: toml++, so that no text whatever can end the program.
//
// The parser states by assertions what it believes of its own state, and some texts prove it wrong (3.3,
// found by fuzz_settings).  Here an assertion that fails is an exception, in release builds too.
#pragma once

#include <stdexcept>

namespace securelogin {

/// The parser has lost its way.
struct TomlParserFault : std::logic_error {
    using std::logic_error::logic_error;
};

[[noreturn]] inline void toml_parser_is_lost(const char* belief) { throw TomlParserFault(belief); }

}  // namespace securelogin

// Compiled in, not linked: what is fuzzed with sanitizers is then the parser itself.
#define TOML_HEADER_ONLY 1
#define TOML_ENABLE_FORMATTERS 0
#define TOML_ASSERT(expression) \
    ((expression) ? static_cast<void>(0) : ::securelogin::toml_parser_is_lost(#expression))
#pragma push_macro("NDEBUG")
#undef NDEBUG
#include <toml++/toml.h>
#pragma pop_macro("NDEBUG")
