// service_factory.hpp: settings and files made into what connections are served with, at start and at each
// reload.
#pragma once

#include <memory>

#include "common/event_log.hpp"
#include "server/auth/clock.hpp"
#include "server/auth/hash_pool.hpp"
#include "server/auth/master_key.hpp"
#include "server/auth/store.hpp"
#include "server/config.hpp"
#include "server/data_directory.hpp"
#include "server/login/readers.hpp"
#include "server/net/connection.hpp"
#include "server/net/tls.hpp"

namespace securelogin {

/// The certificate and key that `settings` name, else the self-signed ones in the data directory.
[[nodiscard]] net::TlsFiles tls_files(const Settings& settings, const DataDirectory& data);

class ServiceFactory {
  public:
    /// The long-lived parts of the daemon; all of them must outlive this and every service.
    struct Parts {
        const DataDirectory& data;
        const auth::NameKeyer& names;
        const auth::Clock& clock;
        auth::Random& random;
        auth::HashPool& pool;
        auth::Store& store;
        login::Readers& readers;
        EventLog& log;
        login::Metrics& metrics;
    };

    explicit ServiceFactory(const Parts& parts) : parts_(parts) {}

    /// Reads the certificate, after making or renewing a self-signed one where the settings name none; opens
    /// the list of breached passwords. Throws StartupError, std::runtime_error.
    [[nodiscard]] std::shared_ptr<const net::Service> make(const Settings& settings) const;

  private:
    Parts parts_;
};

}  // namespace securelogin
