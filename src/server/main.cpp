// securelogind: the parts list.  Settings, then the objects, each handed what it needs, then run, then stop.
#include <unistd.h>
#include <algorithm>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <csignal>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <functional>
#include <iostream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/memory_reserve.hpp"
#include "server/alarm_log.hpp"
#include "server/alarm_runner.hpp"
#include "server/audit_checkpoint.hpp"
#include "server/auth/clock.hpp"
#include "server/auth/hash_pool.hpp"
#include "server/config.hpp"
#include "server/confinement.hpp"
#include "server/daemon_options.hpp"
#include "server/data_directory.hpp"
#include "server/directory_lock.hpp"
#include "server/housekeeping.hpp"
#include "server/log.hpp"
#include "server/login/metrics.hpp"
#include "server/login/readers.hpp"
#include "server/metrics_listener.hpp"
#include "server/metrics_page.hpp"
#include "server/net/endpoint.hpp"
#include "server/net/gate.hpp"
#include "server/net/line_door.hpp"
#include "server/net/serve.hpp"
#include "server/net/server.hpp"
#include "server/notify.hpp"
#include "server/ownership.hpp"
#include "server/password_settings.hpp"
#include "server/process.hpp"
#include "server/service_factory.hpp"
#include "server/site_factory.hpp"
#include "server/store/kept_keys.hpp"
#include "server/store/sqlite_store.hpp"
#include "server/store_watch.hpp"
#include "server/verify/door.hpp"
#include "server/web/door.hpp"

namespace securelogin {
namespace {

namespace asio = boost::asio;

constexpr int kConfigurationError = 78;  // sysexits(3)

std::size_t one_per_core_if_zero(std::size_t threads)
{
    return threads != 0 ? threads : std::max(1U, std::thread::hardware_concurrency());
}

std::vector<net::Endpoint> endpoints(const Settings& settings)
{
    std::vector<net::Endpoint> all;
    try {
        for (const auto& text : settings.listen.tls) all.push_back(net::parse_tls_endpoint(text));
        for (const auto& text : settings.listen.plain) all.push_back(net::parse_plain_endpoint(text));
    } catch (const std::invalid_argument& error) {
        throw StartupError(std::string("listening on ") + error.what());
    }
    return all;
}

/// Where browsers come to.
std::vector<net::Endpoint> web_endpoints(const Settings& settings)
{
    std::vector<net::Endpoint> all;
    try {
        for (const auto& text : settings.listen.web) all.push_back(net::parse_tls_endpoint(text));
        for (const auto& text : settings.listen.web_plain) all.push_back(net::parse_plain_endpoint(text));
    } catch (const std::invalid_argument& error) {
        throw StartupError(std::string("listening on ") + error.what());
    }
    return all;
}

/// Where it is asked whose token it is.
std::optional<net::Endpoint> verify_endpoint(const Settings& settings)
{
    const auto& text = settings.listen.verify;
    if (!text) return std::nullopt;
    if (!text->starts_with("unix:")) {
        throw StartupError("listening on '" + *text +
                           "': who may ask about tokens is settled by a Unix socket's mode: give unix:PATH");
    }
    try {
        return net::parse_plain_endpoint(*text);
    } catch (const std::invalid_argument& error) {
        throw StartupError(std::string("listening on ") + error.what());
    }
}

verify::Terms verify_terms(const Settings& settings)
{
    return {.sessions = settings.policy.sessions, .idle = settings.deadlines.idle};
}

net::Gate::Limits gate_limits(const Settings& settings)
{
    const auto& limits = settings.limits;
    return {.accepts = {.per_second = limits.accepts_per_source, .burst = 2 * limits.accepts_per_source},
            .slots = {.in_all = limits.connections, .per_source = limits.connections_per_source},
            .handshakes = {.in_all = limits.handshakes, .per_source = limits.handshakes_per_source}};
}

net::AcceptRate::Key new_key(auth::Random& random)
{
    net::AcceptRate::Key key{};
    random.fill(key);
    return key;
}

void check_alarm_command(const Settings& settings)
{
    if (!settings.alarms.command.empty()) require_runnable(settings.alarms.command);
}

/// Besides key and certificate.
void check_named_files(const Settings& settings)
{
    check_alarm_command(settings);
    [[maybe_unused]] const auto rules = password_rules(settings);
    [[maybe_unused]] const auto logo = read_logo(settings);
}

/// An older schema is good, and is left as it is.
int check_database(const DataDirectory& data, const auth::MasterKeySource& keys)
try {
    [[maybe_unused]] const auto store =
        store::open_sqlite_store(data.database(), keys, {.if_older = store::SqliteOptions::IfOlder::refuse});
    std::cerr << "securelogind: settings, key, certificate and database are good\n";
    return 0;
} catch (const store::OlderSchema& older) {
    std::cerr << "securelogind: settings, key and certificate are good; " << older.what() << '\n';
    return 0;
}

/// --check: everything that a start would read, and nothing written.
int check(const DaemonOptions& options)
{
    const auto settings = settings_for(options);
    [[maybe_unused]] const auto where = endpoints(settings);
    [[maybe_unused]] const auto web = web_endpoints(settings);
    [[maybe_unused]] const auto verify = verify_endpoint(settings);
    const auto path = DataDirectory::choose(options.data, settings);
    if (!std::filesystem::exists(path)) {
        check_named_files(settings);
        std::cerr << "securelogind: settings are good; " << path.string()
                  << " will be made at the first start\n";
        return 0;
    }
    const auto data = DataDirectory::open(path, DataDirectory::IfMissing::refuse, settings.process.user);
    const auto files = tls_files(settings, data);
    if (settings.tls.certificate || std::filesystem::exists(files.certificate)) {
        require_private(files.key);
        [[maybe_unused]] const auto context = net::make_server_context(files, settings.tls.allow_tls12);
    }
    check_named_files(settings);
    if (std::filesystem::exists(data.database()) || std::filesystem::exists(data.master_key())) {
        const auto keys = data.master_keys(DataDirectory::IfMissing::refuse);
        if (std::filesystem::exists(data.database())) return check_database(data, keys);
    }
    std::cerr << "securelogind: settings, key, certificate and database are good\n";
    return 0;
}

/// Nothing where the settings name no command.
std::unique_ptr<AlarmRunner> start_alarm_runner(const Settings& settings)
{
    check_alarm_command(settings);
    if (settings.alarms.command.empty()) return nullptr;
    return std::make_unique<AlarmRunner>(
        AlarmRunner::Options{.command = settings.alarms.command, .log_format = settings.log.format});
}

/// All that the settings name, bound while that may take a right that is given up then.
struct Sockets {
    std::vector<net::ListeningSocket> login;
    std::vector<net::ListeningSocket> web;
    std::optional<net::ListeningSocket> metrics;
    std::optional<net::ListeningSocket> verify;
};

Sockets bind_everywhere(const std::vector<net::Endpoint>& where, const Settings& settings)
{
    Sockets all;
    for (const auto& endpoint : where) all.login.emplace_back(endpoint);
    for (const auto& endpoint : web_endpoints(settings)) all.web.emplace_back(endpoint);
    if (settings.metrics.listen) all.metrics.emplace(net::parse_plain_endpoint(*settings.metrics.listen));
    if (const auto verify = verify_endpoint(settings)) all.verify.emplace(*verify);
    return all;
}

using AllListening = std::vector<net::Server::Listening>;

AllListening listen_on(net::Server& server, net::Door& door, std::vector<net::ListeningSocket>& sockets)
{
    AllListening all;
    for (auto& socket : sockets) all.push_back(server.listen(std::move(socket), door));
    return all;
}

/// Nothing where the settings name no listener for browsers.
std::unique_ptr<web::Door> open_web_door(const Sockets& sockets, web::Contexts& contexts,
                                         const Settings& settings, auth::Store& store,
                                         const auth::Clock& clock, EventLog& log, SiteFactory& sites,
                                         const net::Service& service)
{
    if (sockets.web.empty()) return nullptr;
    return std::make_unique<web::Door>(contexts, settings.limits.tokens_remembered, store, clock, log,
                                       sites.make(settings, service));
}

std::unique_ptr<MetricsListener> listen_for_metrics(asio::io_context& io, Sockets& sockets,
                                                    MetricsListener::Pages pages)
{
    if (!sockets.metrics) return nullptr;
    return std::make_unique<MetricsListener>(io, std::move(*sockets.metrics), std::move(pages));
}

std::unique_ptr<verify::Door> open_door(Sockets& sockets, const Settings& settings, auth::Store& store,
                                        const auth::Clock& clock, EventLog& log)
{
    if (!sockets.verify) return nullptr;
    const verify::Door::Size size{.threads = one_per_core_if_zero(settings.threads.io),
                                  .remembered = settings.limits.tokens_remembered};
    return std::make_unique<verify::Door>(std::move(*sockets.verify), size, store, clock, log,
                                          verify_terms(settings));
}

/// Everything below has been tried: a start that fails is to say why and nothing else.
void warn_if_root(const DataDirectory& data, EventLog& log)
{
    if (::geteuid() != 0) return;
    log.write(Level::warning, "running_as_root",
              {{"remedy", "stop, chown -R securelogin: " + shell_word(data.path()) +
                              ", start: the daemon becomes the owner of its data directory"}});
}

void announce(const AllListening& all, const AllListening& web, const MetricsListener* metrics,
              const verify::Door* door, const std::string& fingerprint)
{
    std::string lines;
    for (const auto& listening : all) {
        const auto how = listening.tls ? "TLS, " + fingerprint : std::string("plain");
        lines += "listening on " + listening.address + " (" + how + ")\n";
    }
    for (const auto& listening : web) {
        const auto how = listening.tls ? "HTTPS, " + fingerprint : std::string("HTTP");
        lines += "listening on " + listening.address + " (" + how + ")\n";
    }
    if (metrics != nullptr) lines += "metrics on " + metrics->address() + "\n";
    if (door != nullptr) lines += "listening on " + door->address() + " (verify)\n";
    // One write: whoever waits for these lines reads all of them.
    std::fputs(lines.c_str(), stderr);
}

/// What the signals do.  Runs on the main thread, which serves no connection: files may be read there.
class Control {
  public:
    Control(asio::io_context& control, const DaemonOptions& options, const Confinement& confinement,
            const ServiceFactory& factory, net::Gate& gate, net::Server& server, net::LineDoor& lines,
            SiteFactory& sites, web::Door* web, StoreWatch* watch, verify::Door* door, EventLog& log)
        : control_(control),
          signals_(control, SIGTERM, SIGINT, SIGHUP),
          options_(options),
          confinement_(confinement),
          factory_(factory),
          gate_(gate),
          server_(server),
          lines_(lines),
          sites_(sites),
          web_(web),
          watch_(watch),
          door_(door),
          log_(log)
    {
        wait();
    }

    /// The old settings stay in force when the new ones are bad.
    void reload()
    {
        notify_service_manager("RELOADING=1");
        try {
            const auto settings = settings_for(options_);
            if (settings.tls.certificate) confinement_.require_reachable(*settings.tls.certificate);
            if (settings.tls.key) confinement_.require_reachable(*settings.tls.key);
            if (settings.breached_passwords) confinement_.require_reachable(*settings.breached_passwords);
            if (settings.web.logo) confinement_.require_reachable(*settings.web.logo);
            const auto service = factory_.make(settings);
            const auto site = web_ != nullptr ? sites_.make(settings, *service) : nullptr;
            lines_.reload(service);
            if (web_ != nullptr) web_->reload(site);
            gate_.set_limits(gate_limits(settings));
            if (watch_ != nullptr) watch_->set_policy(settings.policy);
            if (door_ != nullptr) door_->set_terms(verify_terms(settings));
            drain_ = settings.deadlines.drain;
            log_.write(Level::info, "reloaded", {});
        } catch (const std::exception& error) {
            log_.write(Level::error, "reload_refused", {{"error", error.what()}});
        }
        notify_service_manager("READY=1");
    }

    void set_drain(std::chrono::seconds drain) { drain_ = drain; }

  private:
    void wait()
    {
        signals_.async_wait([this](const boost::system::error_code& error, int signal) {
            if (error) return;
            if (signal == SIGHUP) {
                reload();
            } else {
                stop();
            }
            wait();
        });
    }

    void stop()
    {
        if (stopping_) std::_Exit(0);  // asked twice: at once; what was acknowledged is on disk
        stopping_ = true;
        notify_service_manager("STOPPING=1");
        log_.write(Level::info, "stopping", {});
        server_.drain(drain_, [this] { control_.stop(); });
    }

    asio::io_context& control_;
    asio::signal_set signals_;
    const DaemonOptions& options_;
    const Confinement& confinement_;
    const ServiceFactory& factory_;
    net::Gate& gate_;
    net::Server& server_;
    net::LineDoor& lines_;
    SiteFactory& sites_;
    web::Door* web_;
    StoreWatch* watch_;
    verify::Door* door_;
    EventLog& log_;
    std::chrono::seconds drain_{10};
    bool stopping_ = false;
};

int run(const DaemonOptions& options)
{
    install_memory_reserve();
    const bool locked = harden_process();
    if (options.check) return check(options);
    const auto settings = settings_for(options);
    const auto where = endpoints(settings);
    const auto data = DataDirectory::open(DataDirectory::choose(options.data, settings),
                                          DataDirectory::IfMissing::make, settings.process.user);
    auto alarm_runner = start_alarm_runner(settings);  // before there are threads, secrets and walls
    const DirectoryLock at_work(data.path(), DirectoryLock::As::daemon);  // and not that child's
    // Read before files are out of reach: systemd's credentials are elsewhere.
    const auto keys = data.master_keys(DataDirectory::IfMissing::make);
    auto sockets = bind_everywhere(where, settings);
    Confinement confinement(
        settings.process.confine,
        reach_of(settings, data.path(), options.config.value_or(std::filesystem::path(kDefaultConfigFile))));
    const auto log =
        with_alarms(open_stderr_log(settings.log.format, settings.log.level), std::move(alarm_runner));
    if (!locked) {
        log->write(Level::warning, "memory_not_locked",
                   {{"remedy", "raise the limit of locked memory (LimitMEMLOCK)"}});
    }

    // Destroyed in reverse: the store answers its last callers before the contexts that they wait on are
    // gone; places and slots that open connections hold are given back before the pool and the slots are.
    const auth::SystemClock clock;
    auth::SystemRandom random;
    login::Metrics attempt_metrics;
    store::Metrics store_metrics;
    const auto hash_threads = one_per_core_if_zero(settings.threads.hash);
    const auto hash_queue = std::max(settings.limits.hash_queue, hash_threads);
    auth::HashPool pool(
        {.threads = hash_threads, .queue = hash_queue, .longest_wait = settings.limits.hash_wait},
        settings.policy.hash);
    net::Gate gate(gate_limits(settings), new_key(random));
    asio::io_context io;
    web::Contexts web_contexts(one_per_core_if_zero(settings.threads.io));
    const auto store = store::open_sqlite_store(
        data.database(), keys,
        {.if_missing = store::SqliteOptions::IfMissing::make, .metrics = &store_metrics});
    login::Readers readers(*store);
    const auto names = store::read_kept_keys(data.database(), keys).names;
    const ServiceFactory factory({data, names, clock, random, pool, *store, readers, *log, attempt_metrics});
    const auto service = factory.make(settings);
    SiteFactory sites(data, random, *log);
    net::LineDoor lines(io, service);
    const auto web = open_web_door(sockets, web_contexts, settings, *store, clock, *log, sites, *service);
    net::Server server(io, gate, *log);

    // Before anything says that we are ready: whoever reads it may ask us to stop at once.
    asio::io_context control(1);
    std::optional<StoreWatch> watch;
    if (settings.metrics.listen) watch.emplace(control, *store, clock, settings.policy);
    const auto door = open_door(sockets, settings, *store, clock, *log);
    Control signals(control, options, confinement, factory, gate, server, lines, sites, web.get(),
                    watch ? &*watch : nullptr, door.get(), *log);
    signals.set_drain(settings.deadlines.drain);
    const auto listening = listen_on(server, lines, sockets.login);
    const auto listening_web = web ? listen_on(server, *web, sockets.web) : AllListening();
    const auto numbers = [&] {
        return metrics_page(attempt_metrics, store_metrics,
                            {.hash_queue = pool.taken(),
                             .hash_queue_limit = hash_queue,
                             .connections = gate.slots.counts(),
                             .too_fast = gate.accepts.refused(),
                             .handshakes = gate.handshakes.counts(),
                             .store = watch ? watch->seen() : StoreWatch::Seen{},
                             .log_lines_lost = log->lost()},
                            settings.metrics.reasons ? Reasons::shown : Reasons::hidden);
    };
    const auto metrics = listen_for_metrics(io, sockets, {.metrics = numbers, .trouble = [&] {
                                                              return watch ? watch->trouble() : std::string();
                                                          }});
    confinement.complete(*log);
    warn_if_root(data, *log);
    announce(listening, listening_web, metrics.get(), door.get(), net::presented_fingerprint(*service->tls));
    Housekeeping housekeeping(
        control, *store, clock, *log, [&signals] { signals.reload(); },
        [&watch](const auth::AuditMark& mark) {
            if (watch) watch->checkpoint_written(mark);
        });

    // The threads end when io is stopped, not in the moment when the last listener has been closed and the
    // drain still has to report.
    const auto stays = asio::make_work_guard(io);
    const auto thread_count = one_per_core_if_zero(settings.threads.io);
    std::vector<std::jthread> io_threads;
    io_threads.reserve(thread_count);
    for (std::size_t started = 0; started < thread_count; ++started) {
        io_threads.emplace_back([&io, &log] { net::serve(io, *log); });
    }
    if (web) web->start();
    notify_service_manager("READY=1");
    net::serve(control, *log);

    io.stop();
    io_threads.clear();  // joins
    if (web) web->stop();
    pool.stop();
    write_checkpoint(*store, clock, *log, "stop");
    return 0;
}

}  // namespace
}  // namespace securelogin

int main(int argc, char** argv)
{
    try {
        const auto parsed = securelogin::parse_daemon_options(argc, argv);
        return parsed.exit_code ? *parsed.exit_code : securelogin::run(parsed.options);
    } catch (const securelogin::DirectoryBusy& busy) {
        std::cerr << "securelogind: " << busy.what() << '\n';
        return 1;  // it passes: the service manager may try again
    } catch (const securelogin::StartupError& error) {
        std::cerr << "securelogind: " << error.what() << '\n';
        return securelogin::kConfigurationError;
    } catch (const std::exception& error) {
        std::cerr << "securelogind: " << error.what() << '\n';
        return 1;
    }
}
