// bench_sessions: gives each user of a data directory that bench_enrol has made one session, and a token to
// it.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <exception>
#include <filesystem>
#include <iostream>
#include <stdexcept>
#include <vector>

#include "bench/support/population.hpp"
#include "bench/verify/tokens.hpp"
#include "server/auth/clock.hpp"
#include "server/auth/session.hpp"
#include "server/auth/store.hpp"
#include "server/auth/token.hpp"
#include "server/data_directory.hpp"
#include "server/store/sqlite_store.hpp"

namespace securelogin::bench {
namespace {

constexpr UserNumber kSessionsPerTransaction = 2000;

/// The tokens' hashes in their order: given to the users in theirs, so that rows are appended and a million
/// of them take seconds.  Which token is whose tells nothing of where it lies: they are asked about in no
/// order.
std::vector<auth::TokenHash> hashes_in_order(UserNumber users)
{
    auth::TokenHasher hash;
    std::vector<auth::TokenHash> hashes;
    hashes.reserve(users);
    for (UserNumber number = 0; number < users; ++number) hashes.push_back(hash(token_of(number).view()));
    std::ranges::sort(hashes);
    return hashes;
}

auth::Session session_of(UserNumber user, auth::Time now)
{
    auto id = std::to_string(user);
    id.insert(0, 8 - id.size(), '0');
    return {.user = id_of(user),
            .id = id,
            .opened_at = now,
            .expires_at = now + auth::SessionPolicy().absolute,
            .last_used_at = now,
            .source = "192.0.2.7"};
}

void open_sessions(auth::Store& store, UserNumber users)
{
    const auto hashes = hashes_in_order(users);
    const auto now = auth::SystemClock().now();
    for (UserNumber first = 0; first < users; first += kSessionsPerTransaction) {
        const auto last = std::min(users, first + kSessionsPerTransaction);
        auth::transact(store, [&](auth::Transaction& transaction) {
            for (auto user = first; user < last; ++user) {
                const auto session = session_of(user, now);
                if (!transaction.open_session(session))
                    throw std::runtime_error("there is a session already");
                transaction.set_session_token(session, hashes[user]);
            }
        });
    }
}

}  // namespace
}  // namespace securelogin::bench

int main(int argc, char** argv)
{
    try {
        std::filesystem::path directory;
        securelogin::bench::UserNumber users = 0;
        CLI::App app("gives made-up users sessions with tokens", "bench_sessions");
        app.add_option("DIRECTORY", directory)->required();
        app.add_option("USERS", users)->required();
        CLI11_PARSE(app, argc, argv);
        using securelogin::DataDirectory;
        const auto data = DataDirectory::open(directory, DataDirectory::IfMissing::refuse);
        const auto master = data.load_master_key(DataDirectory::IfMissing::refuse);
        const auto store = securelogin::store::open_sqlite_store(data.database(), master, {});
        securelogin::bench::open_sessions(*store, users);
        return 0;
    } catch (const std::exception& error) {
        std::cerr << "bench_sessions: " << error.what() << '\n';
        return 1;
    }
}
