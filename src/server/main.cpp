// securelogind: the parts list.  Settings, then the objects, each handed what it needs, then run, then stop.
#include <unistd.h>
#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
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
#include "server/check.hpp"
#include "server/config.hpp"
#include "server/confinement.hpp"
#include "server/control.hpp"
#include "server/daemon_options.hpp"
#include "server/data_directory.hpp"
#include "server/directory_lock.hpp"
#include "server/housekeeping.hpp"
#include "server/listeners.hpp"
#include "server/log.hpp"
#include "server/login/metrics.hpp"
#include "server/login/readers.hpp"
#include "server/metrics_listener.hpp"
#include "server/metrics_page.hpp"
#include "server/net/gate.hpp"
#include "server/net/line_door.hpp"
#include "server/net/serve.hpp"
#include "server/net/server.hpp"
#include "server/notify.hpp"
#include "server/ownership.hpp"
#include "server/process.hpp"
#include "server/service_factory.hpp"
#include "server/site_factory.hpp"
#include "server/store/kept_keys.hpp"
#include "server/store/sqlite_store.hpp"
#include "server/store_watch.hpp"
#include "server/thread_counts.hpp"
#include "server/verify/door.hpp"
#include "server/web/door.hpp"

namespace securelogin {
namespace {

namespace asio = boost::asio;

constexpr int kConfigurationError = 78;  // sysexits(3)
constexpr std::chrono::milliseconds kGather{20};

/// Where the start fails half way, too: threads that were to be joined would otherwise run for ever.
struct StopAtTheEnd {
    asio::io_context& io;
    ~StopAtTheEnd() { io.stop(); }
};

net::AcceptRate::Key new_key(auth::Random& random)
{
    net::AcceptRate::Key key{};
    random.fill(key);
    return key;
}

/// Nothing where the settings name no command.
std::unique_ptr<AlarmRunner> start_alarm_runner(const Settings& settings)
{
    if (settings.alarms.command.empty()) return nullptr;
    require_runnable(settings.alarms.command);
    return std::make_unique<AlarmRunner>(
        AlarmRunner::Options{.command = settings.alarms.command, .log_format = settings.log.format});
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

std::unique_ptr<verify::Door> open_verify_door(Sockets& sockets, const Settings& settings, auth::Store& store,
                                               const auth::Clock& clock, EventLog& log)
{
    if (!sockets.verify) return nullptr;
    const verify::Door::Size size{.threads = thread_counts(settings, cores()).verify,
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

int run(const DaemonOptions& options)
{
    install_memory_reserve();
    const bool locked = harden_process();
    if (options.check) return check(options);
    const auto settings = settings_for(options);
    const auto places = places_of(settings);
    const auto data = DataDirectory::open(DataDirectory::choose(options.data, settings),
                                          DataDirectory::IfMissing::make, settings.process.user);
    auto alarm_runner = start_alarm_runner(settings);  // before there are threads, secrets and walls
    prefer_throughput();                               // and not that child
    const DirectoryLock at_work(data.path(), DirectoryLock::As::daemon);  // and not that child's
    // Read before files are out of reach: systemd's credentials are elsewhere.
    const auto keys = data.master_keys(DataDirectory::IfMissing::make);
    auto sockets = bind_all(places);
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
    const auto threads = thread_counts(settings, cores());
    const auto hash_queue = std::max(settings.limits.hash_queue, threads.hash);
    auth::HashPool pool(
        {.threads = threads.hash, .queue = hash_queue, .longest_wait = settings.limits.hash_wait},
        settings.policy.hash);
    net::Gate gate(gate_limits(settings), new_key(random));
    asio::io_context io;
    web::Contexts web_contexts(threads.web);
    const auto store = store::open_sqlite_store(
        data.database(), keys,
        {.if_missing = store::SqliteOptions::IfMissing::make, .gather = kGather, .metrics = &store_metrics});
    login::Readers readers(*store);
    const auto names = store::read_kept_keys(data.database(), keys).names;
    const ServiceFactory services({data, names, clock, random, pool, *store, readers, *log, attempt_metrics});
    const auto service = services.make(settings);
    SiteFactory sites(data, random, *log);
    net::LineDoor lines(io, service);
    const auto web = open_web_door(sockets, web_contexts, settings, *store, clock, *log, sites, *service);
    net::Server server(io, gate, *log);

    // Before anything says that we are ready: whoever reads it may ask us to stop at once.
    asio::io_context control(1);
    std::optional<StoreWatch> watch;
    if (settings.metrics.listen) watch.emplace(control, *store, clock, settings.policy);
    const auto verify = open_verify_door(sockets, settings, *store, clock, *log);
    Control signals(control,
                    {.options = options,
                     .confinement = confinement,
                     .services = services,
                     .sites = sites,
                     .gate = gate,
                     .server = server,
                     .lines = lines,
                     .web = web.get(),
                     .verify = verify.get(),
                     .watch = watch ? &*watch : nullptr,
                     .log = *log},
                    settings.deadlines.drain);
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
    announce({.login = listening,
              .web = listening_web,
              .metrics = metrics.get(),
              .verify = verify.get(),
              .fingerprint = net::presented_fingerprint(*service->tls)});
    Housekeeping housekeeping(
        control, *store, clock, *log, [&signals] { signals.reload(); },
        [&watch](const auth::AuditMark& mark) {
            if (watch) watch->checkpoint_written(mark);
        });

    // The threads end when io is stopped, not in the moment when the last listener has been closed and the
    // drain still has to report.
    const auto stays = asio::make_work_guard(io);
    std::vector<std::jthread> io_threads;
    const StopAtTheEnd before_they_are_joined{io};
    io_threads.reserve(threads.io);
    for (std::size_t started = 0; started < threads.io; ++started) {
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
