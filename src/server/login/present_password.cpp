#include "server/login/present_password.hpp"

namespace securelogin::login {

bool is_present_password(const auth::Authenticator& authenticator, Readers& readers,
                         const auth::UserName& name, const Secret& typed)
{
    return readers.with([&](auth::Reader& reader) {
        if (!reader.find_account(name)) return false;
        const auto claim = authenticator.claim(name.str(), auth::Source::from_address("local"));
        return authenticator.check_password(reader, claim, typed).matches;
    });
}

}  // namespace securelogin::login
