//! The routes of both origins, put together from those of each noun.
use crate::{
    access, accounts, collections, content, discussions, endpoints, lfs, papers, repos, social, spaces,
    state::HubState,
    tags, uploads,
    web::{ApiError, connection::Control, front::Front, front::front},
    webhooks,
};
use axum::{Router, extract::DefaultBodyLimit, middleware::from_fn_with_state, routing::get};

/// The routes of the Hub itself.
pub(crate) fn hub(state: HubState) -> Router {
    let api = Router::new()
        .merge(repos::repo_routes())
        .merge(content::repo_routes())
        .merge(uploads::repo_routes())
        .merge(spaces::repo_routes())
        .merge(access::repo_routes())
        .merge(discussions::repo_routes())
        .merge(social::repo_routes());
    let files =
        Router::new().merge(content::file_routes()).merge(lfs::file_routes()).merge(access::file_routes());
    Router::new()
        .route("/", get(greeting))
        .merge(accounts::routes())
        .merge(repos::routes())
        .merge(uploads::routes())
        .merge(lfs::routes())
        .merge(endpoints::routes())
        .merge(webhooks::routes())
        .merge(collections::routes())
        .merge(papers::routes())
        .merge(social::routes())
        .merge(tags::routes())
        .nest("/repo/{repo_kind}/{repo_namespace}/{repo_name}", api)
        .nest("/files/{repo_kind}/{repo_namespace}/{repo_name}", files)
        .fallback(nothing)
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(state.clone(), webhooks::observe))
        .with_state(state)
}

/// The routes of the storage origin.
pub(crate) fn storage(state: HubState) -> Router {
    lfs::storage_routes().fallback(nothing).layer(DefaultBodyLimit::disable()).with_state(state)
}

/// The service of one connection: the front before the routes.
pub(crate) fn connection(front_of: Front, routes: &Router, control: Control) -> Router {
    let front_of = Front { control, ..front_of };
    Router::new().fallback_service(routes.clone()).layer(from_fn_with_state(front_of, front))
}

async fn greeting() -> &'static str {
    "A Hub served from a folder. Point HF_ENDPOINT here.\n"
}

async fn nothing() -> ApiError {
    ApiError::not_found("Sorry, we can't find the page you are looking for.")
}
