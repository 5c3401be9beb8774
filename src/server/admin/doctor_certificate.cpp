#include <fmt/format.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <chrono>
#include <filesystem>
#include <string>

#include "common/certificate.hpp"
#include "server/admin/doctor_checks.hpp"
#include "server/auth/time_text.hpp"

namespace securelogin::admin {
namespace {

namespace fs = std::filesystem;
using Level = Finding::Level;

bool is_address(const std::string& name)
{
    return name.find(':') != std::string::npos || name.find_first_not_of("0123456789.") == std::string::npos;
}

bool is_for(X509* certificate, const std::string& name)
{
    return is_address(name) ? X509_check_ip_asc(certificate, name.c_str(), 0) == 1
                            : X509_check_host(certificate, name.data(), name.size(), 0, nullptr) == 1;
}

void check_expiry(const X509& certificate, const fs::path& file, bool own, auth::Time now, Findings& findings)
{
    using std::chrono::days;
    // The daemon renews its own 30 days before.
    constexpr auto soon = days(14);
    const auto end = expiry(certificate);
    const std::string remedy =
        own ? "start or reload securelogind, which renews it" : "renew it, and reload securelogind";
    const auto what = fmt::format("{} is good until {}", file.string(), auth::to_rfc3339(end));
    if (end <= now) {
        findings.push_back({Level::problem, "certificate",
                            fmt::format("{} has expired: {}", file.string(), auth::to_rfc3339(end)), remedy});
    } else if (end - now < soon) {
        findings.push_back({Level::warning, "certificate", what, remedy});
    } else {
        findings.push_back({Level::ok, "certificate", what});
    }
}

void check_private_key(X509* certificate, const fs::path& file, Findings& findings)
{
    require_private(file);
    const BioPtr bio(BIO_new_file(file.c_str(), "r"));
    const PkeyPtr key(bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr) : nullptr);
    if (key && X509_check_private_key(certificate, key.get()) == 1) return;
    (void)openssl_error();
    findings.push_back({Level::problem, "certificate",
                        fmt::format("{} is not the certificate's key", file.string()),
                        "put the key in its place that the certificate was made for"});
}

}  // namespace

void check_certificate(const Settings& settings, const DataDirectory& directory, auth::Time now,
                       Findings& findings)
{
    try_to_look("certificate", findings, [&] {
        const bool own = !settings.tls.certificate;
        const auto file = settings.tls.certificate.value_or(directory.certificate());
        std::error_code ignored;
        if (own && !fs::exists(file, ignored)) {
            findings.push_back(
                {Level::ok, "certificate", "not made yet: securelogind makes it when it first starts"});
            return;
        }
        const auto certificate = read_certificate(file);
        check_expiry(*certificate, file, own, now, findings);
        if (!is_for(certificate.get(), settings.name)) {
            findings.push_back({Level::warning, "certificate",
                                fmt::format("{} is not for the name {}", file.string(), settings.name),
                                own ? "start or reload securelogind, which makes another"
                                    : "set `name` to a name that is in it, or get one for this name"});
        }
        check_private_key(certificate.get(), settings.tls.key.value_or(directory.private_key()), findings);
    });
}

}  // namespace securelogin::admin
