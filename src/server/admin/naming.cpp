#include "server/admin/naming.hpp"

#include "common/text.hpp"
#include "server/admin/failure.hpp"

namespace securelogin::admin {

auth::UserName require_name(const std::string& doing, const std::string& typed)
{
    auto name = auth::UserName::parse(typed);
    if (!name) {
        throw Failure(ExitCode::usage,
                      doing + ": " + printable(typed) +
                          ": not a user name: letters a-z, digits, '.', '_' and '-', a letter or digit "
                          "first, " +
                          std::to_string(auth::UserName::kLongest) + " at most");
    }
    return *name;
}

void no_such_user(const std::string& doing, const auth::UserName& name)
{
    throw Failure(ExitCode::no_such_user,
                  doing + ": there is no user " + name.str() + ": see securelogin-admin user list");
}

}  // namespace securelogin::admin
