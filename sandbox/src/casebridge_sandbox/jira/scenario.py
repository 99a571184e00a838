"""How the stand-in Jira behaves."""

from __future__ import annotations

from typing import Literal

from casebridge_sandbox.sandbox import Scenario
from casebridge_sandbox.tickets import Person
from casebridge_sandbox.workflow import Status, Transition, Workflow, open_workflow

__all__ = ("PRESETS", "JiraScenario", "standard_workflow", "strict_workflow")

_SIGNS_FROM = 10

TO_DO = Status(id="10000", name="To Do", category="new")
IN_PROGRESS = Status(id="10001", name="In Progress", category="active")
DONE = Status(id="10002", name="Done", category="done")
IN_REVIEW = Status(id="10003", name="In Review", category="active")


def standard_workflow() -> Workflow:
    """Return the workflow of a fresh project: every status goes to every other."""
    return open_workflow((TO_DO, IN_PROGRESS, IN_REVIEW, DONE), initial=TO_DO.id)


def strict_workflow() -> Workflow:
    """Return a workflow with a path to walk.

    To Do, In Progress, In Review, Done; no edge skips a status. Done wants a resolution,
    and goes back to In Progress only.
    """
    return Workflow(
        statuses=(TO_DO, IN_PROGRESS, IN_REVIEW, DONE),
        initial=TO_DO.id,
        transitions=(
            Transition(id="11", name="Start work", to=IN_PROGRESS.id, sources=(TO_DO.id,)),
            Transition(id="21", name="Ask for review", to=IN_REVIEW.id, sources=(IN_PROGRESS.id,)),
            Transition(id="31", name="Stop work", to=TO_DO.id, sources=(IN_PROGRESS.id,)),
            Transition(id="41", name="Reject", to=IN_PROGRESS.id, sources=(IN_REVIEW.id,)),
            Transition(
                id="51",
                name="Close",
                to=DONE.id,
                sources=(IN_REVIEW.id,),
                screen=("resolution", "comment"),
                required=("resolution",),
            ),
            Transition(id="61", name="Reopen", to=IN_PROGRESS.id, sources=(DONE.id,)),
        ),
    )


class JiraScenario(Scenario, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the stand-in Jira behaves.

    Attributes:
        deployment: ``"cloud"`` (REST v3 and v2) or ``"data_center"`` (REST v2).
        version: The version that ``serverInfo`` tells; empty for the usual one of the
            deployment. Data Center before 10 signs no webhooks and lists them elsewhere.
        context_path: What every path begins with, for example ``/jira``.
        clock_ahead_seconds: By how much the server's clock is ahead, in seconds.
        time_zone: The time zone of every account, in which JQL reads dates.
        project: The key of the project.
        project_name: The name of the project.
        other_projects: The keys of further projects.
        issue_types: The names of the issue types of every project.
        priorities: The names of the priorities, the highest first; the third is the default.
        resolutions: The names of the resolutions.
        workflow: The statuses and transitions of every project.
        create_screen: The fields a caller may set when it creates or edits an issue, beside
            project, issue type, and summary.
        required_fields: Fields that must be set on creation, beside the three.
        default_fields: Fields for which Jira has a default value, so that a required one may
            be left out.
        most_comments: How many comments an issue takes before it answers 413; 0 for any number.
        resolve_on_done: Whether a move to a done status sets a resolution by itself, and a
            move away from it clears the resolution.
        service_desk: Whether the projects are of Jira Service Management.
        email: The e-mail address of the integration's account.
        user_name: The login name of the integration's account (Data Center).
        display_name: The name of the integration's account.
        account_id: The id of the integration's account.
        api_token: Its API token (Cloud) and personal access token (Data Center).
        scoped_token: Whether the API token is a scoped one, which Cloud takes at the gateway
            only: with the e-mail address, or as a bearer token.
        cloud_id: The id of the site at the gateway, ``/ex/jira/<cloud id>``.
        oauth_client_id: The id of the integration's OAuth 2.0 (3LO) app.
        oauth_client_secret: Its secret.
        oauth_refresh_token: The refresh token that the first sign-in gave; every exchange
            at ``/oauth/token`` gives the next one.
        access_token_seconds: How long an access token is good, in seconds.
        refresh_grace_seconds: How long a refresh token is taken after its use, in seconds;
            0 for the strictest of vendors.
        basic_auth: Whether basic authentication is on; Jira 11 ships with it off.
        denied_permissions: The permissions that the account lacks, for example
            ``TRANSITION_ISSUES``, ``ADD_COMMENTS``, ``CREATE_ISSUES``, ``EDIT_ISSUES``,
            ``BROWSE_PROJECTS``, or ``ADMINISTER`` for the registration of webhooks.
        search_lag_seconds: How long a change takes to appear in search, in seconds of the
            sandbox's clock.
        search_lag_searches: How many searches do not see a change yet.
        search_comments: How many comments of an issue a search shows; 0 for all.
        issue_writes: How many writes one issue takes within ``issue_write_window_seconds``
            before it answers 429; 0 for no limit. Jira Cloud's own is 20 within 2 seconds.
        issue_write_window_seconds: The window of ``issue_writes``, in seconds.
        issue_writes_long: The same over the longer ``issue_write_long_window_seconds``; Jira
            Cloud's own is 100 within 30 seconds.
        issue_write_long_window_seconds: The window of ``issue_writes_long``, in seconds.
        near_limit_seconds: If not 0, every answer says that a limit is near, and that it is
            reset after so many seconds.
        webhook_retries: How often a webhook is sent again.
        webhook_pause_seconds: How long Jira waits before it does, in seconds; Jira Cloud
            itself waits for 5 to 15 minutes.
        comments_as_issue_updates: Whether a comment also sends ``jira:issue_updated`` with
            ``issue_commented``, as older servers do.
        webhook_format: Who sends: ``"webhook"``, the administrator's webhook, or a rule of
            Jira Automation with one of its three bodies. Automation signs nothing.
        automation_body: The web request body of ``"automation_custom"``; smart values such as
            ``{{issue.key}}`` are filled in as they are, without any escaping.
    """

    people: tuple[Person, ...] = (
        Person(
            id="ada-account",
            name="ada",
            display_name="Ada Analyst",
            email="ada.analyst@example.com",
            admin=True,
        ),
        Person(
            id="ben-account",
            name="ben",
            display_name="Ben Responder",
            email="ben.responder@example.com",
        ),
    )
    deployment: Literal["cloud", "data_center"] = "cloud"
    version: str = ""
    context_path: str = ""
    clock_ahead_seconds: float = 0.0
    time_zone: str = "Etc/UTC"
    project: str = "SEC"
    project_name: str = "Security"
    other_projects: tuple[str, ...] = ("OPS",)
    issue_types: tuple[str, ...] = ("Task", "Bug", "Incident")
    priorities: tuple[str, ...] = ("Highest", "High", "Medium", "Low", "Lowest")
    resolutions: tuple[str, ...] = ("Done", "Won't Do", "Duplicate", "Cannot Reproduce")
    workflow: Workflow = standard_workflow()
    create_screen: tuple[str, ...] = (
        "description",
        "labels",
        "priority",
        "assignee",
        "reporter",
        "environment",
        "duedate",
    )
    required_fields: tuple[str, ...] = ()
    default_fields: tuple[str, ...] = ()
    most_comments: int = 0
    resolve_on_done: bool = True
    service_desk: bool = False
    email: str = "bridge@example.com"
    user_name: str = "bridge"
    display_name: str = "Casebridge"
    account_id: str = "bridge-account"
    api_token: str = "jira-sandbox-token"  # noqa: S105 - the key to nothing but this stand-in
    scoped_token: bool = False
    cloud_id: str = "11223344-a1b2-3b33-c444-def123456789"
    oauth_client_id: str = "jira-sandbox-client"
    oauth_client_secret: str = "jira-sandbox-client-secret"  # noqa: S105 - as above
    oauth_refresh_token: str = "jira-sandbox-refresh-0"  # noqa: S105 - as above
    access_token_seconds: float = 3600.0
    refresh_grace_seconds: float = 600.0
    basic_auth: bool = True
    denied_permissions: tuple[str, ...] = ()
    search_lag_seconds: float = 0.0
    search_lag_searches: int = 0
    search_comments: int = 0
    issue_writes: int = 0
    issue_write_window_seconds: float = 2.0
    issue_writes_long: int = 0
    issue_write_long_window_seconds: float = 30.0
    near_limit_seconds: float = 0.0
    webhook_retries: int = 5
    webhook_pause_seconds: float = 0.5
    comments_as_issue_updates: bool = False
    webhook_format: Literal[
        "webhook", "automation_issue", "automation_jira", "automation_custom"
    ] = "webhook"
    automation_body: str = "{}"

    @property
    def is_cloud(self) -> bool:
        """Whether this is Jira Cloud."""
        return self.deployment == "cloud"

    @property
    def server_version(self) -> str:
        """The version that ``serverInfo`` tells."""
        return self.version or ("1001.0.0-SNAPSHOT" if self.is_cloud else "10.3.0")

    @property
    def is_before_ten(self) -> bool:
        """Whether this is Data Center 9 or older."""
        return not self.is_cloud and int(self.server_version.partition(".")[0]) < _SIGNS_FROM

    @property
    def projects(self) -> tuple[str, ...]:
        """The keys of every project."""
        return (self.project, *self.other_projects)


PRESETS = {
    "standard": JiraScenario(),
    "strict": JiraScenario(workflow=strict_workflow()),
    "service-desk": JiraScenario(service_desk=True),
    "data-center": JiraScenario(deployment="data_center"),
    "data-center-strict": JiraScenario(
        deployment="data_center", context_path="/jira", workflow=strict_workflow()
    ),
    "data-center-9": JiraScenario(deployment="data_center", version="9.12.1"),
    "slow-search": JiraScenario(search_lag_searches=2),
    "scoped-token": JiraScenario(scoped_token=True),
    "cloud-limits": JiraScenario(issue_writes=20, issue_writes_long=100),
}
"""Named scenarios."""
