// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IPublisherRegistry} from "../../../contracts/directives/IPublisherRegistry.sol";
import {ParameterRegistry} from "../../../contracts/directives/ParameterRegistry.sol";
import {PublisherRegistry} from "../../../contracts/directives/PublisherRegistry.sol";
import {ProposalReader} from "../../../contracts/governance/ProposalReader.sol";
import {Track} from "../../../contracts/types/Track.sol";
import {VmTest} from "../Vm.sol";
import {Registries} from "../nodes/Registries.sol";

contract PublisherRegistryFuzz is VmTest {
    address private constant TIMELOCK = address(0x71);

    ParameterRegistry private parameters;
    PublisherRegistry private publishers;

    function setUp() external {
        parameters = new ParameterRegistry(TIMELOCK);
        publishers = PublisherRegistry(address(parameters.publishers()));
    }

    function testFuzz_AdmitsAndRevokesForTheTimelockAlone(address caller, bytes32 publisher) external {
        vm.assume(caller != TIMELOCK);
        bytes memory unauthorized =
            abi.encodeWithSelector(IPublisherRegistry.PublisherRegistryUnauthorized.selector, caller);
        vm.startPrank(caller);
        vm.expectRevert(unauthorized);
        publishers.admit(publisher);
        vm.expectRevert(unauthorized);
        publishers.revoke(publisher);
        vm.stopPrank();

        require(!publishers.isAdmitted(publisher) && publishers.timelock() == TIMELOCK, "admitted");
    }

    function testFuzz_RemembersEachPublisherAlone(bytes32 publisher, bytes32 other) external {
        vm.assume(publisher != other && publisher != 0 && other != 0);
        vm.startPrank(TIMELOCK);
        vm.expectRevert(abi.encodeWithSelector(IPublisherRegistry.PublisherRegistryNotAdmitted.selector, publisher));
        publishers.revoke(publisher);
        publishers.admit(publisher);
        require(publishers.isAdmitted(publisher) && !publishers.isAdmitted(other), "admitted");
        vm.expectRevert(abi.encodeWithSelector(IPublisherRegistry.PublisherRegistryAlreadyAdmitted.selector, publisher));
        publishers.admit(publisher);
        publishers.admit(other);
        publishers.revoke(publisher);
        require(!publishers.isAdmitted(publisher) && publishers.isAdmitted(other), "revoked");
        // A unanimous committee can undo a revocation.
        publishers.admit(publisher);
        vm.expectRevert(IPublisherRegistry.PublisherRegistryEmptyPublisher.selector);
        publishers.admit(0);
        vm.stopPrank();
    }

    function testFuzz_IsAdmittedToByMembershipAndRevokedByEmergency(bytes32 publisher, address stranger) external {
        vm.assume(stranger != address(publishers));
        ProposalReader reader = new ProposalReader(
            address(1), address(2), address(parameters), Registries.deploy(address(4), address(0))
        );
        bytes memory admit = abi.encodeCall(IPublisherRegistry.admit, (publisher));
        bytes memory revoke = abi.encodeCall(IPublisherRegistry.revoke, (publisher));

        require(_trackOf(reader, address(publishers), admit) == Track.Membership, "admit");
        require(_trackOf(reader, address(publishers), revoke) == Track.Constitution, "revoke undated");
        require(_trackOf(reader, stranger, admit) == Track.Constitution, "admit elsewhere");
        require(_trackOf(reader, stranger, revoke) == Track.Constitution, "revoke elsewhere");
    }

    function _trackOf(ProposalReader reader, address target, bytes memory data) private view returns (Track) {
        address[] memory targets = new address[](1);
        bytes[] memory calldatas = new bytes[](1);
        (targets[0], calldatas[0]) = (target, data);
        return reader.trackOf(targets, calldatas);
    }
}
