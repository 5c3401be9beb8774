#include "server/service_factory.hpp"

#include "server/password_settings.hpp"
#include "server/self_signed.hpp"

namespace securelogin {

net::TlsFiles tls_files(const Settings& settings, const DataDirectory& data)
{
    return {.certificate = settings.tls.certificate.value_or(data.certificate()),
            .key = settings.tls.key.value_or(data.private_key())};
}

std::shared_ptr<const net::Service> ServiceFactory::make(const Settings& settings) const
{
    if (!settings.tls.certificate && keep_self_signed(parts_.data, settings.name, parts_.clock.now())) {
        parts_.log.write(Level::info, "certificate_made", {{"file", parts_.data.certificate().string()}});
    }
    auto authenticator = std::make_shared<const auth::Authenticator>(settings.policy, parts_.names,
                                                                     parts_.clock, parts_.random);
    auto enrolments = std::make_shared<const auth::Enrolments>(settings.policy, parts_.names, parts_.clock,
                                                               parts_.random, settings.issuer);
    const auto rules = password_rules(settings);
    const auto files = tls_files(settings, parts_.data);
    require_private(files.key);
    const auto& deadlines = settings.deadlines;
    return std::make_shared<const net::Service>(net::Service{
        .name = settings.name,
        .deadlines = {.handshake = deadlines.handshake,
                      .answer = deadlines.answer,
                      .login = deadlines.login,
                      .idle = deadlines.idle,
                      .enrolment = deadlines.enrolment},
        .tls = net::make_server_context(files, settings.tls.allow_tls12),
        .authenticator = {authenticator, parts_.pool, parts_.store, parts_.readers, rules, &parts_.metrics},
        .log = parts_.log,
        .enrolments = {std::move(enrolments), authenticator, parts_.pool, parts_.store, parts_.readers,
                       rules}});
}

}  // namespace securelogin
