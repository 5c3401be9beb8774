// bench_enrol: makes a data directory and fills it with made-up users, through the store's own interface.
//
// The password is hashed once: everybody has the same one, sealed for each.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <exception>
#include <filesystem>
#include <iostream>
#include <memory>
#include <stdexcept>

#include "bench/support/population.hpp"
#include "server/auth/clock.hpp"
#include "server/auth/password_hash.hpp"
#include "server/auth/store.hpp"
#include "server/data_directory.hpp"
#include "server/store/sqlite_store.hpp"

namespace securelogin::bench {
namespace {

constexpr UserNumber kUsersPerTransaction = 2000;

auth::NewAccount made_up_account(UserNumber user, const Secret& phc, auth::Time now)
{
    return {.id = id_of(user),
            .name = auth::UserName::parse(name_of(user)).value(),
            .phc = phc.clone(),
            .totp_secret = totp_secret_of(user),
            .totp = {},
            .created_at = now};
}

void enrol(auth::Store& store, UserNumber users, const auth::HashParameters& hash)
{
    const auto phc = auth::hash_password(Secret::copy_of(kPassword), hash);
    const auto now = auth::SystemClock().now();
    for (UserNumber first = 0; first < users; first += kUsersPerTransaction) {
        const auto last = std::min(users, first + kUsersPerTransaction);
        auth::transact(store, [&](auth::Transaction& transaction) {
            for (auto user = first; user < last; ++user) {
                if (!transaction.add_account(made_up_account(user, phc, now))) {
                    throw std::runtime_error("enrolling " + name_of(user) + ": there is one already");
                }
            }
        });
    }
}

void fill(const std::filesystem::path& directory, UserNumber users, const auth::HashParameters& hash)
{
    const auto data = DataDirectory::open(directory, DataDirectory::IfMissing::make);
    const auto master = data.load_master_key(DataDirectory::IfMissing::make);
    const auto store = store::open_sqlite_store(data.database(), master,
                                                {.if_missing = store::SqliteOptions::IfMissing::make});
    enrol(*store, users, hash);
}

}  // namespace
}  // namespace securelogin::bench

int main(int argc, char** argv)
{
    try {
        std::filesystem::path directory;
        securelogin::bench::UserNumber users = 0;
        securelogin::auth::HashParameters hash;
        CLI::App app("fills a new data directory with made-up users", "bench_enrol");
        app.add_option("DIRECTORY", directory)->required();
        app.add_option("USERS", users)->required();
        app.add_option("--memory-kib", hash.memory_kib, "of the password's hash")->capture_default_str();
        app.add_option("--passes", hash.passes, "of the password's hash")->capture_default_str();
        CLI11_PARSE(app, argc, argv);
        securelogin::bench::fill(directory, users, hash);
        return 0;
    } catch (const std::exception& error) {
        std::cerr << "bench_enrol: " << error.what() << '\n';
        return 1;
    }
}
