//! Which requests are refused before a route sees them: a `Host` that is not this server's, a missing token, and pages of
//! other sites.
//!
//! Without a token, a browser is the way in: any web page can send requests to 127.0.0.1 from its visitor's machine, and
//! one whose name resolves to that address (DNS rebinding) can also read the replies.

use std::net::IpAddr;

use axum::body::Body;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Method, Request, StatusCode, Version, header};

use super::failure::Failure;
use super::options::ServeOptions;
use super::{AppState, cors, routes, token};

/// What a browser says about the page that sends a request (<https://www.w3.org/TR/fetch-metadata>).
const FETCH_SITE: &str = "sec-fetch-site";

/// Refuses a request that may not be answered.
pub(super) fn check(state: &AppState, request: &Request<Body>) -> Result<(), Failure> {
    let (options, path) = (&state.options, request.uri().path());
    let host = host(request)?;
    if let Some(token) = &state.token {
        if routes::needs_no_token(path) || token::is_sent(token, request.headers()) {
            return Ok(());
        }
        let message = "this server requires a token: send Authorization: Bearer TOKEN";
        return Err(Failure::new(StatusCode::UNAUTHORIZED, message));
    }
    // Load balancers ask for health by any name.
    if let Some(host) = host.as_ref().filter(|_| !routes::is_health(path))
        && !is_own_name(options, host.host())
    {
        let name = host.host();
        return Err(Failure::quoting(
            StatusCode::FORBIDDEN,
            &format!(
                "this server is not called {name}: use its address, or start it with --allowed-host {name}"
            ),
        ));
    }
    let is_safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if !is_safe && is_of_another_site(options, request.headers(), host.as_ref(), path) {
        return Err(Failure::new(
            StatusCode::FORBIDDEN,
            "pages of other sites may not use this server: start it with --cors-origin and the page's origin",
        ));
    }
    Ok(())
}

/// The name by which the client calls this server; `None` in HTTP/1.0, which need not say.
///
/// Every other request has exactly one valid `Host` (RFC 9112, section 3.2). A name in the target takes precedence.
fn host(request: &Request<Body>) -> Result<Option<Authority>, Failure> {
    let mut values = request.headers().get_all(header::HOST).iter();
    let (first, second) = (values.next(), values.next());
    let bad =
        |what: &str| Failure::bad(format!("{what}: send one Host header with this server's name"));
    let host = match (first, second) {
        (_, Some(_)) => return Err(bad("more than one Host")),
        (None, None) if request.version() == Version::HTTP_10 => None,
        (None, None) => return Err(bad("no Host")),
        (Some(value), None) => {
            let host = Authority::try_from(value.as_bytes()).ok();
            let is_valid = |host: &Authority| !host.as_str().contains('@');
            Some(host.filter(is_valid).ok_or_else(|| bad("the Host is not valid"))?)
        }
    };
    Ok(request.uri().authority().cloned().or(host))
}

/// Whether a name, without its port, is this server's: its address, this machine, or one given by `--allowed-host`.
///
/// A server on every address accepts every IP address: no page of another site has one as its name.
fn is_own_name(options: &ServeOptions, name: &str) -> bool {
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    if let Ok(address) = address
        && (options.host.is_unspecified() || address.is_loopback() || address == options.host)
    {
        return true;
    }
    let name = name.trim_end_matches('.');
    name.eq_ignore_ascii_case("localhost")
        || options.allowed_host.iter().any(|own| own == "*" || own.eq_ignore_ascii_case(name))
}

/// Whether a page of another site sends the request, unless `--cors-origin` allows that site.
///
/// The rule is that of Go's `http.CrossOriginProtection` (<https://pkg.go.dev/net/http#CrossOriginProtection>): browsers
/// send `Sec-Fetch-Site`, older ones an `Origin`, and other clients neither.
fn is_of_another_site(
    options: &ServeOptions,
    headers: &HeaderMap,
    host: Option<&Authority>,
    path: &str,
) -> bool {
    // A page of any site may not change which model serves, also where every page may classify images.
    if cors::allowed(options, headers).is_some()
        && !(options.allows_every_origin() && routes::changes_model(path))
    {
        return false;
    }
    if let Some(site) = headers.get(FETCH_SITE) {
        return !matches!(site.as_bytes(), b"same-origin" | b"none");
    }
    let mut origins = headers.get_all(header::ORIGIN).iter();
    match (origins.next(), origins.next()) {
        (None, _) => false,
        (Some(origin), None) => {
            let authority = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
            let authority = authority.map(|(_, authority)| authority);
            host.is_none_or(|host| {
                !authority.is_some_and(|own| own.eq_ignore_ascii_case(host.as_str()))
            })
        }
        (Some(_), Some(_)) => true,
    }
}
