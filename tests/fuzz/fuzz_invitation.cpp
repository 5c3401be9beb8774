// What somebody gives for an invitation.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "server/auth/invitation.hpp"
#include "server/auth/user_name.hpp"
#include "tests/fuzz/expect.hpp"

using securelogin::fuzz::expect;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view typed(reinterpret_cast<const char*>(data), size);
    const auto hash = securelogin::auth::hash_of_invitation(typed);

    std::string symbols = securelogin::auth::fold_case(typed);
    std::erase_if(symbols, [](char c) { return c == '-' || c == ' '; });
    expect(securelogin::auth::hash_of_invitation(symbols) == hash);
    if (!hash) return 0;
    expect(symbols.size() == 26 && symbols.find('u') == std::string::npos);
    return 0;
}
