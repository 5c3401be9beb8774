#include "server/admin/device_commands.hpp"

#include <unistd.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <iostream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/text.hpp"
#include "server/admin/failure.hpp"
#include "server/admin/installation.hpp"
#include "server/admin/naming.hpp"
#include "server/auth/accounts.hpp"
#include "server/auth/device.hpp"

namespace securelogin::admin {
namespace {

constexpr auto kForgetting = "forgetting a device";

[[noreturn]] void no_such_device(const auth::UserName& name, const std::string& typed)
{
    throw Failure(ExitCode::no_such_user, std::string(kForgetting) + ": " + name.str() + " has no device " +
                                              printable(typed) + ": see securelogin-admin user show " +
                                              name.str());
}

/// The one that is meant by what was typed.
std::vector<auth::Device> select(std::vector<auth::Device> devices, const auth::UserName& name,
                                 const std::string& typed)
{
    std::erase_if(devices,
                  [&](const auth::Device& device) { return !auth::is_named_by(device.fingerprint, typed); });
    if (devices.empty()) no_such_device(name, typed);
    if (devices.size() > 1) {
        throw Failure(ExitCode::usage, std::string(kForgetting) + ": " + name.str() +
                                           " has several devices " + printable(typed) +
                                           ": give more of the fingerprint");
    }
    return devices;
}

/// False when there is nothing any more to be forgotten.
bool forget(const Installation& installation, const auth::UserName& name,
            const std::optional<auth::DeviceFingerprint>& device)
{
    const auth::SystemClock clock;
    auth::SystemRandom random;
    const auth::Accounts accounts(clock, random, "admin");
    bool done = false;
    auth::transact(*installation.store, [&](auth::Transaction& transaction) {
        done = device ? accounts.forget_device(transaction, name, *device)
                      : accounts.forget_devices(transaction, name);
    });
    return done;
}

void confirm(const Options& options, const auth::UserName& name, const std::vector<auth::Device>& forgotten,
             Output& output)
{
    if (isatty(STDERR_FILENO) == 1) {
        std::cerr << name.str() << ": forgotten " << forgotten.size()
                  << (forgotten.size() == 1 ? " device\n" : " devices\n");
    }
    if (!options.json) return;
    boost::json::array fingerprints;
    for (const auto& device : forgotten) fingerprints.emplace_back(auth::to_string(device.fingerprint));
    output.write_json({{"username", name.str()}, {"forgotten", fingerprints}});
    output.write("\n");
}

}  // namespace

void run(const Options& options, const UserForgetDevice& command, Output& output)
{
    const auto name = require_name(kForgetting, command.name);
    if (command.all == command.fingerprint.has_value()) {
        throw Failure(ExitCode::usage,
                      std::string(kForgetting) +
                          ": name its fingerprint, as user show lists it, or all of them with --all");
    }
    const auto installation = open_installation(options, DataDirectory::IfMissing::refuse);
    const auto reader = installation.store->open_reader();
    const auto account = reader->find_account(name);
    if (!account) no_such_user(kForgetting, name);

    auto devices = reader->devices(account->id);
    if (command.fingerprint) devices = select(std::move(devices), name, *command.fingerprint);
    const auto one = command.all ? std::nullopt : std::optional(devices.front().fingerprint);
    if (!forget(installation, name, one)) {
        if (command.all) no_such_user(kForgetting, name);
        no_such_device(name, *command.fingerprint);
    }
    confirm(options, name, devices, output);
}

}  // namespace securelogin::admin
