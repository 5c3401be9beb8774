#include "server/auth/devices.hpp"

namespace securelogin::auth {

std::optional<std::vector<Device>> Devices::list(Transaction& transaction, const Session& own) const
{
    if (!sessions_.still_live(transaction, own.user, own.id)) return std::nullopt;
    return transaction.devices(own.user);
}

std::optional<bool> Devices::forget(Transaction& transaction, const Session& own,
                                    std::string_view which) const
{
    auto devices = list(transaction, own);
    if (!devices) return std::nullopt;
    std::erase_if(*devices, [&](const Device& device) { return !is_named_by(device.fingerprint, which); });
    if (devices->size() != 1) return false;
    const auto& fingerprint = devices->front().fingerprint;
    if (!transaction.forget_device(own.user, fingerprint)) return false;
    transaction.append_audit({.at = clock_.now(),
                              .event = "user.forget-device",
                              .outcome = "done",
                              .reason = short_form(fingerprint),
                              .user = own.user,
                              .source = own.source});
    return true;
}

}  // namespace securelogin::auth
