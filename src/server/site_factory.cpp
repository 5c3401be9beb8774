#include "server/site_factory.hpp"

#include <array>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include "server/net/tls.hpp"
#include "server/service_factory.hpp"
#include "server/web/guard.hpp"
#include "server/web/pages.hpp"

namespace securelogin {
namespace {

/// Octets.  With it, a first load stays within 50 KiB, and what waits for a slow peer (the logo and its copy
/// on the way out) within what memory_bound.cpp reckons for a connection.
constexpr std::streamsize kLargestLogo = std::streamsize{32} * 1024;

std::string type_of(const std::filesystem::path& picture)
{
    constexpr std::array<std::pair<std::string_view, std::string_view>, 5> types{{{".png", "image/png"},
                                                                                  {".svg", "image/svg+xml"},
                                                                                  {".jpg", "image/jpeg"},
                                                                                  {".jpeg", "image/jpeg"},
                                                                                  {".webp", "image/webp"}}};
    const auto extension = auth::fold_case(picture.extension().native());
    for (const auto& [ending, type] : types) {
        if (ending == extension) return std::string(type);
    }
    return "application/octet-stream";
}

}  // namespace

web::Logo read_logo(const Settings& settings)
{
    if (!settings.web.logo) return {};
    const auto& path = *settings.web.logo;
    std::ifstream file(path, std::ios::binary);
    std::string octets(static_cast<std::size_t>(kLargestLogo) + 1, '\0');
    file.read(octets.data(), kLargestLogo + 1);
    octets.resize(static_cast<std::size_t>(file.gcount()));
    if (file.bad() || octets.empty()) {
        throw StartupError("reading the logo " + path.string() +
                           ": it cannot be read, or is empty: see web.logo");
    }
    if (octets.size() > static_cast<std::size_t>(kLargestLogo)) {
        throw StartupError("reading the logo " + path.string() +
                           ": it is larger than 32 KiB: make it smaller");
    }
    return {.type = type_of(path), .octets = std::move(octets)};
}

std::shared_ptr<const web::Site> SiteFactory::make(const Settings& settings, const net::Service& service)
{
    auto logo = read_logo(settings);
    web::Branding branding{.name = settings.web.name,
                           .has_logo = !logo.type.empty(),
                           .logo_version = web::version_of(logo.octets)};
    if (settings.web.accent) branding.accent = *settings.web.accent;
    const auto files = tls_files(settings, data_);
    const auto& deadlines = settings.deadlines;
    return std::make_shared<const web::Site>(
        web::Site{.pages = web::Pages(std::move(branding)),
                  .logo = std::move(logo),
                  .deadlines = {.handshake = deadlines.handshake,
                                .request = deadlines.handshake,
                                .idle = deadlines.answer},
                  .tls = net::make_server_context(files, settings.tls.allow_tls12, net::Spoken::http),
                  .authenticator = service.authenticator,
                  .enrolments = service.enrolments,
                  .guard = web::Guard(settings.web.rules, web::Proxies(settings.web.proxies)),
                  .back_to = settings.web.back_to,
                  .open_registration = settings.web.open_registration,
                  .sessions = settings.policy.sessions,
                  .log = log_,
                  .random = random_,
                  .forgery_guard = forgery_guard_,
                  .under_way = under_way_});
}

}  // namespace securelogin
