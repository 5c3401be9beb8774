// help_text.hpp: what --help says of the program as a whole, before and behind the list of options.
#pragma once

namespace securelogin::admin {

extern const char* const kDescription;
/// The commands, examples and exit codes.
extern const char* const kFooter;

}  // namespace securelogin::admin
