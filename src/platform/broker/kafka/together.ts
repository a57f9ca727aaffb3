/**
 * Which member of a group reads which partition, for groups that join topics: partitions of one number go to one member,
 * whatever the topic, as one key has one number in all of them. kafkajs's own way deals them out one by one.
 */
import type { PartitionAssigner } from 'kafkajs';
import { kafkajs } from './mended/kafkajs.ts';

const { MemberAssignment, MemberMetadata } = kafkajs.AssignerProtocol;

/** Deals out numbers of partitions. Every member of the group wants the same topics. */
export const assignTogether: PartitionAssigner = ({ cluster }) => ({
  name: 'Together',
  version: 0,
  async assign({ members, topics }) {
    const ids = members.map(({ memberId }) => memberId).sort();
    const shares = new Map(ids.map((id) => [id, {} as Record<string, number[]>]));
    for (const topic of topics) {
      for (const { partitionId } of cluster.findTopicPartitionMetadata(topic)) {
        const share = shares.get(ids[partitionId % ids.length] as string);
        if (share) share[topic] = [...(share[topic] ?? []), partitionId];
      }
    }
    return [...shares].map(([memberId, assignment]) => ({
      memberId,
      memberAssignment: MemberAssignment.encode({
        version: 0,
        assignment,
        userData: Buffer.alloc(0),
      }),
    }));
  },
  protocol: ({ topics }) => ({
    name: 'Together',
    metadata: MemberMetadata.encode({ version: 0, topics, userData: Buffer.alloc(0) }),
  }),
});
