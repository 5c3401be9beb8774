#include "client/visit.hpp"

#include <exception>
#include <string>
#include <utility>

#include "client/device_key.hpp"
#include "client/failure.hpp"
#include "common/certificate.hpp"

namespace securelogin::client {
namespace {

/// Shows the device key to a server that is trusted, and notes when one that is not has asked for it.
class Introduction {
  public:
    Introduction(const Destination& destination, const VisitPolicy& policy, Display& display)
        : destination_(destination), policy_(policy), display_(display)
    {
    }

    [[nodiscard]] ChooseDeviceKey chooser()
    {
        if (!policy_.device_key) return {};
        return [this](const X509& certificate) { return choose(certificate); };
    }
    /// The server has been trusted since.
    void trust(std::string fingerprint) { settled_ = std::move(fingerprint); }
    [[nodiscard]] bool was_withheld() const noexcept { return withheld_; }

  private:
    const DeviceKey* choose(const X509& certificate) noexcept
    {
        try {
            const auto offered = fingerprint(certificate);
            withheld_ =
                settled_ ? offered != *settled_ : !is_trusted_already(destination_, offered, policy_.trust);
        } catch (const std::exception&) {
            return nullptr;  // a known_hosts that cannot be relied on: settle_trust() meets it next, and says
                             // so
        }
        return withheld_ ? nullptr : own_key();
    }

    const DeviceKey* own_key() noexcept
    {
        try {
            const DeviceKeys keys(policy_.device_keys ? *policy_.device_keys : device_key_directory());
            if (!key_) key_.emplace(keys.for_server(destination_.host_and_port()));
            return &*key_;
        } catch (const std::exception& error) {
            tell(error.what());
            return nullptr;
        }
    }

    void tell(const std::string& why) noexcept
    try {
        display_.say("No device key: " + why + ".  The login goes on without.");
    } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch): a note less
    }

    const Destination& destination_;
    const VisitPolicy& policy_;
    Display& display_;
    std::optional<std::string> settled_;
    std::optional<DeviceKey> key_;
    bool withheld_ = false;
};

}  // namespace

std::unique_ptr<TlsConnection> visit(const Destination& destination, const VisitPolicy& policy,
                                     const AskWhile& ask, Display& display)
{
    Introduction introduction(destination, policy, display);
    const auto connect = [&] {
        return std::make_unique<TlsConnection>(destination, policy.ca, TlsConnection::Patience{},
                                               introduction.chooser());
    };
    auto connection = connect();
    const auto offered = fingerprint(connection->certificate());
    settle_trust(destination, offered, policy.trust, ask(connection->descriptor()), display);
    if (!introduction.was_withheld()) return connection;

    connection.reset();  // first: the server may count its connections
    introduction.trust(offered);
    connection = connect();
    if (fingerprint(connection->certificate()) != offered) {
        throw Failure(ExitCode::not_trusted, "checking who " + destination.host_and_port() +
                                                 " is: another key than a moment ago; nothing was sent: "
                                                 "try again, and look closely at the fingerprint");
    }
    return connection;
}

}  // namespace securelogin::client
