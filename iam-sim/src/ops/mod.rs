//! The operations, one AWS action per file; where an action differs for users, groups and roles in nothing but the word,
//! one file serves all. Each reads: decode, authorize, do, answer.

mod add_user_to_group;
mod assume_role;
mod attach_policy;
mod create_access_key;
mod create_group;
mod create_policy;
mod create_policy_version;
mod create_role;
mod create_user;
mod creation;
mod delete_access_key;
mod delete_group;
mod delete_inline_policy;
mod delete_permissions_boundary;
mod delete_policy;
mod delete_policy_version;
mod delete_role;
mod delete_user;
mod deletion;
mod detach_policy;
mod get_caller_identity;
mod get_group;
mod get_inline_policy;
mod get_policy;
mod get_policy_version;
mod get_role;
mod get_session_token;
mod get_user;
mod keys;
mod list_access_keys;
mod list_attached_policies;
mod list_groups;
mod list_groups_for_user;
mod list_inline_policies;
mod list_instance_profiles_for_role;
mod list_policies;
mod list_policy_versions;
mod list_roles;
mod list_tags;
mod list_users;
mod managed_policies;
mod put_inline_policy;
mod put_permissions_boundary;
mod remove_user_from_group;
mod sessions;
mod set_default_policy_version;
mod shapes;
mod tag_holder;
mod untag_holder;
mod update_access_key;
mod update_assume_role_policy;
mod update_role;

use crate::service::Op;

/// What IAM can do.
pub(crate) const IAM: &[Op] = &[
    add_user_to_group::OP,
    attach_policy::GROUP,
    attach_policy::ROLE,
    attach_policy::USER,
    create_access_key::OP,
    create_group::OP,
    create_policy::OP,
    create_policy_version::OP,
    create_role::OP,
    create_user::OP,
    delete_access_key::OP,
    delete_group::OP,
    delete_inline_policy::GROUP,
    delete_inline_policy::ROLE,
    delete_inline_policy::USER,
    delete_permissions_boundary::ROLE,
    delete_permissions_boundary::USER,
    delete_policy::OP,
    delete_policy_version::OP,
    delete_role::OP,
    delete_user::OP,
    detach_policy::GROUP,
    detach_policy::ROLE,
    detach_policy::USER,
    get_group::OP,
    get_inline_policy::GROUP,
    get_inline_policy::ROLE,
    get_inline_policy::USER,
    get_policy::OP,
    get_policy_version::OP,
    get_role::OP,
    get_user::OP,
    list_access_keys::OP,
    list_attached_policies::GROUP,
    list_attached_policies::ROLE,
    list_attached_policies::USER,
    list_groups::OP,
    list_groups_for_user::OP,
    list_inline_policies::GROUP,
    list_inline_policies::ROLE,
    list_inline_policies::USER,
    list_instance_profiles_for_role::OP,
    list_policies::OP,
    list_policy_versions::OP,
    list_roles::OP,
    list_tags::ROLE,
    list_tags::USER,
    list_users::OP,
    put_inline_policy::GROUP,
    put_inline_policy::ROLE,
    put_inline_policy::USER,
    put_permissions_boundary::ROLE,
    put_permissions_boundary::USER,
    remove_user_from_group::OP,
    set_default_policy_version::OP,
    tag_holder::ROLE,
    tag_holder::USER,
    untag_holder::ROLE,
    untag_holder::USER,
    update_access_key::OP,
    update_assume_role_policy::OP,
    update_role::OP,
];

/// What STS can do.
pub(crate) const STS: &[Op] = &[assume_role::OP, get_caller_identity::OP, get_session_token::OP];
